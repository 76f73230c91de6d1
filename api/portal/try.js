// Sends requests to the sandbox that this page comes from, and shows the answers. It knows no other host, and sends no cookie: what a
// key of the sandbox may do is all that is tried.
const form = document.getElementById("try");
const field = (name) => form.elements[name];
const say = document.getElementById("try-status");
const answer = document.getElementById("try-answer");
const shownMax = 200_000; // characters of an answer

const binary = (type) => !type.includes("json") && !type.startsWith("text/") && !type.includes("urlencoded");

// shape shows the fields that the chosen kind of body needs.
const shape = () => {
  const type = field("type").value;
  document.getElementById("try-file-box").hidden = !type || !binary(type);
  document.getElementById("try-body-box").hidden = !type || binary(type);
};

const fill = (button) => {
  const op = button.dataset;
  field("method").value = op.method;
  field("path").value = op.path;
  field("type").replaceChildren(...op.types.split(" ").filter(Boolean).map((t) => new Option(t, t)));
  field("type").disabled = !op.types;
  field("body").value = op.sample;
  field("key").selectedIndex = op.open ? 0 : op.path.startsWith("/v1/debts") && op.method === "POST" && !op.path.includes("search") ? 1 : 2;
  shape();
  say.textContent = "";
  answer.hidden = true;
  button.closest("details").append(form);
  form.hidden = false;
  field("path").focus();
};

const bodyOf = (type, headers) => {
  if (!type) return undefined;
  const file = field("file").files[0];
  if (type === "multipart/form-data") {
    const parts = new FormData();
    parts.append("document", file ?? new Blob([]), file?.name ?? "document");
    return parts; // the browser names the boundary
  }
  headers["Content-Type"] = type;
  return binary(type) ? file : field("body").value;
};

const send = async () => {
  const url = new URL(field("path").value, location.origin);
  if (url.origin !== location.origin) throw new Error(form.dataset.foreign);
  const method = field("method").value;
  const headers = { Accept: "application/json, */*;q=0.5" };
  if (field("key").value) headers.Authorization = "Bearer " + field("key").value;
  if (method !== "GET" && field("key").value) headers["Idempotency-Key"] = crypto.getRandomValues(new Uint32Array(4)).join("-");
  const body = method === "GET" ? undefined : bodyOf(field("type").value, headers);
  const got = await fetch(url, { method, headers, body, credentials: "omit", redirect: "error", cache: "no-store" });
  const type = got.headers.get("Content-Type") ?? "";
  say.textContent = `${got.status} ${type}`;
  if (type && binary(type.split(";")[0]) && !type.includes("yaml") && !type.includes("xml")) {
    answer.textContent = `${(await got.arrayBuffer()).byteLength} ${form.dataset.octets}`;
  } else {
    const text = await got.text();
    try {
      answer.textContent = JSON.stringify(JSON.parse(text), null, 2).slice(0, shownMax);
    } catch {
      answer.textContent = text.slice(0, shownMax);
    }
  }
  answer.hidden = false;
};

let working = false;
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (working) return; // a double click
  working = true;
  answer.hidden = true;
  say.textContent = form.dataset.sending;
  try {
    await send();
  } catch (problem) {
    say.textContent = problem instanceof TypeError || !problem.message ? form.dataset.failed : problem.message;
  }
  working = false;
});
field("type").addEventListener("change", shape);
for (const button of document.querySelectorAll("button.try")) {
  button.hidden = false;
  button.addEventListener("click", () => fill(button));
}
