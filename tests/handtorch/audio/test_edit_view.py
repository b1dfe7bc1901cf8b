import html.parser
import io

from rich.console import Console

from handtorch.audio import edit_lines, edit_page

SAID, HEARD = "HH AH L OW", "HH EH L UW R"


def test_a_terminal_shows_what_was_said_above_what_was_heard_with_a_letter_beneath_each_edit():
    lines = edit_lines(["HH", "AH", "L"], ["HH", "EH", "L", "UW"]).plain.split("\n")
    assert lines == ["said   HH AH L *", "heard  HH EH L UW", "          S    I"]
    assert edit_lines("T", "").plain.split("\n") == ["said   T", "heard  *", "       D"]


def test_columns_stay_aligned_with_characters_of_double_width():
    lines = edit_lines(["床", "b"], ["c", "b"]).plain.split("\n")
    assert lines == ["said   床 b", "heard  c  b", "       S"]


def test_a_long_alignment_goes_on_below_within_the_width():
    said = [f"w{i}" for i in range(40)]
    shown = edit_lines(said, said[:-1], width=40).plain
    assert max(map(len, shown.split("\n"))) <= 40
    rows = [line for line in shown.split("\n") if line.startswith("said")]
    assert len(rows) > 3
    assert " ".join(row.removeprefix("said ") for row in rows).split() == said


def test_edits_are_coloured_and_what_is_right_is_not():
    out = io.StringIO()
    Console(file=out, force_terminal=True, color_system="standard", width=100).print(edit_lines("AH L", "EH L"))
    assert "\x1b[33mEH\x1b[0m L" in out.getvalue()


def test_nothing_said_and_nothing_heard_shows_nothing():
    assert edit_lines([], []).plain == ""


class Marked(html.parser.HTMLParser):
    """Text within <del> and <ins> of articles, and the names of tags that are still open at the end."""

    def __init__(self, page):
        super().__init__()
        self.open, self.marked, self.links = [], {"del": [], "ins": []}, []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        if tag != "meta":
            self.open.append(tag)
        self.links += [value for name, value in attrs if name in ("href", "src")]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "article" in self.open and self.open[-1] in self.marked:
            self.marked[self.open[-1]].append(data)


def test_a_page_marks_every_edit_and_is_whole_in_itself(tmp_path):
    path = tmp_path / "edits.html"
    page = edit_page([("one", SAID, HEARD), ("two", SAID, SAID)], path, notes={"decoder": "beam <50>"})
    assert path.read_text(encoding="utf-8") == page
    seen = Marked(page)
    assert seen.open == [] and seen.links == []
    assert sorted(seen.marked["del"]) == ["AH", "OW"]
    assert sorted(seen.marked["ins"]) == ["EH", "R", "UW"]
    assert "37.50%" in page and "1 of 2" in page and "beam &lt;50&gt;" in page


def test_what_is_spelled_reads_as_a_text_in_which_lost_blanks_can_be_seen():
    page = edit_page([("one", "a dog & i", "adog & eye")], spelled=True)
    assert '<p>a<span class="delete"><del>␣</del></span>dog &amp; ' in page
    seen = Marked(page)
    assert seen.marked["del"] == ["␣", "i"] and sorted(seen.marked["ins"]) == ["e", "e", "y"]


def test_names_and_symbols_cannot_break_the_page():
    page = edit_page([("<script>", ["<b>"], ["&"])], title="a < b")
    assert "<script>" not in page and "<b>" not in page
    assert "<title>a &lt; b</title>" in page
    assert Marked(page).marked == {"del": ["<b>"], "ins": ["&"]}


def test_a_page_without_errors_says_so():
    assert "Every symbol was heard as it was said." in edit_page([("one", "a b", "a b")])
