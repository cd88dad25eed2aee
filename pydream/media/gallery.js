"use strict";
// Without this script the page still shows every picture and every command.
const dialog = document.querySelector("dialog");
const figures = [...document.querySelectorAll(".gallery figure")].filter((figure) => figure.querySelector("img"));
let shown = 0;

function show(number) {
  shown = (number + figures.length) % figures.length;
  const figure = figures[shown];
  const image = figure.querySelector("img");
  const command = figure.querySelector("code");
  const large = dialog.querySelector("img");
  large.src = image.src;
  large.alt = image.alt;
  for (const name of ["label", "note"]) {
    dialog.querySelector(`.${name}`).textContent = figure.querySelector(`.${name}`).textContent;
  }
  dialog.querySelector(".command").hidden = command === null;
  dialog.querySelector("code").textContent = command === null ? "" : command.textContent;
  if (!dialog.open) dialog.showModal();
}

// On a page that is opened as a file some browsers have no navigator.clipboard; then the older way, and at last the
// reader's own keys, with the command selected.
async function copy(button) {
  const code = button.parentElement.querySelector("code");
  try {
    await navigator.clipboard.writeText(code.textContent);
    button.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(code);
    button.textContent = document.execCommand("copy") ? "Copied" : "Selected";
  }
  setTimeout(() => { button.textContent = "Copy"; }, 1500);
}

figures.forEach((figure, number) => figure.querySelector("button.large").addEventListener("click", () => show(number)));
for (const button of document.querySelectorAll("button.copy")) {
  button.hidden = false;
  button.addEventListener("click", () => copy(button));
}
for (const [name, step] of [["before", -1], ["after", 1]]) {
  dialog.querySelector(`button.${name}`).addEventListener("click", () => show(shown + step));
}
dialog.querySelector("button.close").addEventListener("click", () => dialog.close());
dialog.querySelector("img").addEventListener("click", () => dialog.close());
dialog.addEventListener("close", () => figures[shown].querySelector("button.large").focus());
dialog.addEventListener("keydown", (event) => {
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (step) show(shown + step);
});
