// Names that screen readers need and the theme leaves out.
document.querySelectorAll("summary").forEach((summary) => {
  if (!summary.textContent.trim()) summary.setAttribute("aria-label", "Pages below this one");
});
document.querySelectorAll('.citation-list[role="list"]').forEach((list) => {
  list.removeAttribute("role");
});
