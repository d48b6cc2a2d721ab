"""Text as a person reads it: lying charsets, HTML, quoted replies, signatures."""

import codecs
import re
from dataclasses import dataclass
from html.parser import HTMLParser

_SINGLE_BYTE = re.compile(r"(ascii|iso8859-\d+|cp125\d|koi8-[ru]|mac-\w+|cp437|cp850|cp858|cp866)\Z")
_OTHER = re.compile(r"(utf-8(-sig)?|utf-16(-[bl]e)?|gb\w+|big5\w*|euc_\w+|iso2022_\w+|shift_jis\w*|johab)\Z")


def decode(data: bytes, charset: str) -> str:
    """Bytes as text; believes the charset only as far as the bytes do, and never fails."""
    name = _codec(charset)
    # letters in valid UTF-8 are hardly ever meant as something else, whatever the header says
    for attempt in ("utf-8", name) if _SINGLE_BYTE.match(name) else (name, "utf-8"):
        try:
            return data.decode("cp1252" if attempt == "iso8859-1" else attempt)
        except (UnicodeError, LookupError):
            continue
    return data.decode("cp1252", "replace")


def _codec(charset: str) -> str:
    """The name of a codec that only maps letters; "utf-8" for unknown, costly or dangerous ones."""
    try:
        name = codecs.lookup(charset.strip().strip("'\"")[:40]).name
    except (LookupError, ValueError):
        return "utf-8"
    return name if _SINGLE_BYTE.match(name) or _OTHER.match(name) else "utf-8"


_BLOCKS = frozenset(
    (
        "p",
        "div",
        "br",
        "tr",
        "li",
        "ul",
        "ol",
        "table",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "blockquote",
        "hr",
        "pre",
        "section",
        "article",
        "td",
        "dd",
        "dt",
    )
)
_SILENT = frozenset(("script", "style", "head", "title", "template", "noscript", "svg", "math", "object"))
_VOID = frozenset(
    ("br", "hr", "img", "input", "meta", "link", "area", "base", "col", "embed", "source", "track", "wbr")
)
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0|mso-hide\s*:\s*all", re.IGNORECASE)


class _Reader(HTMLParser):
    """Collects what would be seen; quoted blocks get ">" before their lines."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.lines: list[str] = []
        self.line: list[str] = []  # pieces of the line that is being written
        self.unseen: list[str] = []  # the invisible element that is open, once per nesting
        self.quotes = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self.unseen:
            if tag == self.unseen[0] and tag not in _VOID:
                self.unseen.append(tag)
            return
        if tag in _BLOCKS:
            self.end_line()
        if tag in _VOID:
            return
        given = {k: v or "" for k, v in attrs}
        if tag in _SILENT or "hidden" in given or _HIDDEN.search(given.get("style", "")[:2000]):
            self.unseen = [tag]
        elif tag == "blockquote":
            self.quotes += 1

    def handle_endtag(self, tag: str) -> None:
        if self.unseen:
            if tag == self.unseen[0]:
                self.unseen.pop()
            return
        if tag in _BLOCKS:
            self.end_line()
        if tag == "blockquote" and self.quotes:
            self.quotes -= 1

    def handle_data(self, data: str) -> None:
        if not self.unseen:
            self.line.append(data)

    def end_line(self) -> None:
        """Close the line that is being written, if anything stands on it."""
        text = " ".join("".join(self.line).split())
        self.line = []
        if text:
            self.lines.append(f"> {text}" if self.quotes else text)


def text_of_html(html: str) -> str:
    """The visible text of HTML, one line per block. Loads nothing, runs nothing, takes linear time."""
    reader = _Reader()
    reader.feed(_tamed(html))
    reader.close()
    reader.end_line()
    return "\n".join(reader.lines)


def _tamed(html: str) -> str:
    """HTML without what makes the parser slow: comments, declarations, a tag that never ends."""
    kept, at = [], 0
    while (start := html.find("<!--", at)) >= 0:
        kept.append(html[at:start])
        end = html.find("-->", start + 4)
        at = len(html) if end < 0 else end + 3
    text = "".join(kept) + html[at:]
    text = re.sub(r"<[!?][^<>]{0,500}>?", "", text)
    last = text.rfind(">") + 1
    return text[:last] + text[last:].replace("<", "&lt;")


@dataclass(frozen=True, slots=True)
class Letter:
    """A text taken apart: the sender's own words, their signature, and what they quote or forward."""

    own: str
    signature: str
    quoted: str
    forwarded: bool  # the quote is introduced as a forward, not as a reply


_WROTE = re.compile(
    r"^\W{0,3}(on|am|le)\b.{4,200}\bwrote:?\s*$"
    r"|^.{4,200}\b(kirjoitti|kirjoittaa|čálii)\b.{0,120}:\s*$"
    r"|^\W{0,3}(den|vid|på|m[åa]n|tis|ons|tor?s?|fre|l[öo]r|s[öo]n)\b.{4,200}\bskrev\b.{0,120}:\s*$"
    r"|^.{2,120}<[^<>\s]+@[^<>\s]+>\s*(wrote|skrev|kirjoitti).{0,60}:\s*$",
    re.IGNORECASE,
)
_ORIGINAL = re.compile(
    r"^\W*(original message|alkuperäinen viesti|ursprungligt meddelande|originalmeddelande)\W*$", re.IGNORECASE
)
_FORWARD = re.compile(
    r"^\W*(forwarded message|begin forwarded message|(edelleen\s?)?(lähetetty|välitetty) viesti"
    r"|(alkaa|alku) (välitetty|edelleenlähetetty) viesti|vidarebefordrat (meddelande|mejl|e-post)"
    r"|(börja )?vidarebefordra[dt]e? (meddelande|brev))\b.{0,100}$",
    re.IGNORECASE,
)
_FROM = re.compile(r"^\W{0,3}(from|lähettäjä|från|keneltä)\W{0,3}:\W{0,3}\S", re.IGNORECASE)
_SENT = re.compile(
    r"^\W{0,3}(sent|date|lähetetty|päivämäärä|päiväys|skickat|datum|pvm)\W{0,3}:\W{0,3}\S", re.IGNORECASE
)
_DEVICE = re.compile(
    r"^\s*(lähetetty\s.{2,60}(sta|stä|lta|ltä|lla|llä)\b.{0,60}|sent from (my|mail|outlook|yahoo|proton).{0,60}"
    r"|skickat från (min|mitt|outlook|e-post).{0,60}|(get|hanki|hämta|skaffa) outlook .{0,60})$",
    re.IGNORECASE,
)
_QUOTE = re.compile(r"^\s{0,3}(>|\|\s)")


def take_apart(text: str) -> Letter:
    """Own words, signature and quotes of a mail, by the habits of mail programs in Finnish, Swedish and English."""
    own: list[str] = []
    signature: list[str] = []
    quoted: list[str] = []
    forwarded = False
    lines = text.split("\n")
    target = own
    for i, line in enumerate(lines):
        if target is quoted:
            quoted.append(line)
            continue
        cut = _cut(lines, i)
        if cut:
            forwarded = cut == "forward"
            target = quoted
            quoted.append(line)
        elif _QUOTE.match(line):
            quoted.append(re.sub(r"^[\s>|]+", "", line))
        elif line.rstrip() == "--" and target is own:
            target = signature
        elif _DEVICE.match(line):
            continue
        elif not _introduces_quote(lines, i):
            target.append(line)
    return Letter("\n".join(own).strip(), "\n".join(signature).strip(), "\n".join(quoted).strip(), forwarded)


def _cut(lines: list[str], i: int) -> str:
    """Whether all that follows is somebody's earlier mail: "reply", "forward" or ""."""
    line = lines[i][:400]
    if _FORWARD.match(line):
        return "forward"
    if _ORIGINAL.match(line):
        return "reply"
    if _FROM.match(line) and any(_SENT.match(x[:400]) for x in lines[i + 1 : i + 5]):
        return "reply"
    return "reply" if _introduces_quote(lines, i) and not _quote_follows(lines, i) else ""


def _introduces_quote(lines: list[str], i: int) -> bool:
    """Whether the line, alone or with its neighbour, says who wrote what follows."""
    line = lines[i].strip()[:300]
    if not line:
        return False
    after = lines[i + 1].strip()[:300] if i + 1 < len(lines) else ""
    before = lines[i - 1].strip()[:300] if i else ""
    if _WROTE.match(line):
        return True
    if after.endswith(":") and re.match(r"^(on|den|ma|ti|ke|to|pe|la|su)\b", line, re.IGNORECASE):
        return bool(re.search(r"\d", line)) and bool(_WROTE.match(f"{line} {after}"))
    if line.endswith(":") and re.match(r"^(on|den|ma|ti|ke|to|pe|la|su)\b", before, re.IGNORECASE):
        return bool(re.search(r"\d", before)) and bool(_WROTE.match(f"{before} {line}"))
    return False


def _quote_follows(lines: list[str], i: int) -> bool:
    """Whether quoted lines come next, so that answers between them are still the sender's own."""
    coming = [x for x in lines[i + 1 : i + 5] if x.strip()]
    return any(_QUOTE.match(x) for x in coming[:2])
