// Showing text that may hold anything: it is only ever a text node, and nothing in it can steer the page.

// Control characters, and the marks that turn the direction of writing around.
const UNSAFE = /([\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]+)/u;
const MOST_MARKS = 500;
const BLOCK = 4000; // browsers need time quadratic in the length of a paragraph: 20 s for 200,000 characters

function named(characters) {
  const first = characters.codePointAt(0);
  const name = "U+" + first.toString(16).toUpperCase().padStart(4, "0");
  return characters.length > 1 ? `${name} +${characters.length - 1}` : name;
}

// Cut at line ends, else at spaces, else anywhere but inside of a character.
function* blocks(text) {
  let start = 0;
  while (text.length - start > BLOCK) {
    const part = text.slice(start, start + BLOCK);
    const end = part.lastIndexOf("\n") + 1 || part.lastIndexOf(" ") + 1 || BLOCK;
    const halves = /[\ud800-\udbff]$/.test(text.slice(start, start + end));
    yield text.slice(start, (start += halves ? end - 1 : end));
  }
  yield text.slice(start);
}

function nodes(text, budget) {
  return text.split(UNSAFE).map((part, index) => {
    if (index % 2 === 0) return document.createTextNode(part);
    if (budget.marks-- <= 0) return document.createTextNode("\ufffd");
    const mark = document.createElement("span");
    mark.className = "unsafe";
    mark.title = "A character that is not shown";
    mark.textContent = named(part);
    return mark;
  });
}

export function showText(element, text) {
  const clean = text.replace(/\r\n?|[\u0085\u2028\u2029]/gu, "\n");
  const budget = { marks: MOST_MARKS };
  if (clean.length <= BLOCK) return element.replaceChildren(...nodes(clean, budget));
  const parts = [...blocks(clean)].map((part) => {
    const block = document.createElement("div");
    block.append(...nodes(part, budget));
    return block;
  });
  element.replaceChildren(...parts);
}
