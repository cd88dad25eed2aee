// Keyboard shortcuts: each module adds its own, and the help lists them.
const known = [];

// Add a shortcut: shortcut("D", "Dream", action). Keys are those of KeyboardEvent.key, letters as capitals; "Shift+" or
// "Ctrl+" (or the Mac's Command) before one asks for that. An action that returns false had nothing to do.
export function shortcut(keys, what, action) {
  known.push({ keys: [keys].flat(), what, action });
}

export const shortcuts = () => known.map(({ keys, what }) => ({ keys, what }));

export function listenToKeys() {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.altKey || takesText(event.target)) return;
    if (document.querySelector("dialog[open]")) return;
    const letter = event.key.length === 1 ? event.key.toUpperCase() : event.key;
    const shifted = event.shiftKey && /^[A-Z]$/.test(letter) ? `Shift+${letter}` : letter;
    const pressed = event.ctrlKey || event.metaKey ? `Ctrl+${shifted}` : shifted;
    const found = known.find(({ keys }) => keys.includes(pressed));
    if (found && found.action(event) !== false) event.preventDefault();
  });
}

function takesText(element) {
  return element.isContentEditable || element.matches("textarea, select, input:not([type=range], [type=checkbox], [type=radio], [type=button])");
}
