"use strict";
// Every page works without this. A form that was sent is not sent again by a second click.
function mayBeSentAgain(form) {
  delete form.dataset.sent;
  for (const button of form.querySelectorAll("button[aria-disabled]")) button.removeAttribute("aria-disabled");
}
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
  for (const button of form.querySelectorAll("button")) button.setAttribute("aria-disabled", "true");
  // A download leaves its page where it is.
  if ("download" in form.dataset) setTimeout(mayBeSentAgain, 3000, form);
});
// The page is shown again by the back button: its forms may be sent again.
window.addEventListener("pageshow", () => {
  for (const form of document.forms) mayBeSentAgain(form);
});
const problems = document.getElementById("problems");
if (problems) problems.focus();
// Work under way: its part of the page is fetched again, so that reading and scrolling stay.
const follow = (live) => {
  if (!live || !live.dataset.refresh) return;
  setTimeout(async () => {
    try {
      const answer = await fetch(location.href, { cache: "no-store" });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById("live");
      if (!answer.ok || !fresh) return location.reload();
      live.replaceChildren(...fresh.childNodes);
      if (fresh.dataset.refresh) live.dataset.refresh = fresh.dataset.refresh;
      else delete live.dataset.refresh;
    } catch {
      // The service is not reached: asked again.
    }
    follow(live);
  }, live.dataset.refresh * 1000);
};
follow(document.getElementById("live"));
