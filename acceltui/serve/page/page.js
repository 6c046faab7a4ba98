// Keys go to the terminal as soon as it listens, and again when one comes back to the window.
const focus = () => document.querySelector(".-loaded .xterm-helper-textarea")?.focus();
addEventListener("focus", focus);
addEventListener("load", () => new MutationObserver(focus).observe(document.body, { attributeFilter: ["class"] }));
