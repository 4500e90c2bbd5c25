for (const pair of document.querySelectorAll(".pair")) {
  const range = pair.querySelector("input");
  range.addEventListener("input", () => pair.style.setProperty("--at", range.value + "%"));
}
