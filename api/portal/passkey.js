// Asks a passkey or security key the question of the page's form, and sends the form with its answer. The browser lets a passkey answer
// only to the site for which it was made.
const form = document.getElementById("passkey");
const say = document.getElementById("passkey-status");
const button = document.getElementById("passkey-ask");

const bytes = (text) => {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (c) => c.charCodeAt(0));
};

const text = (buffer) => {
  let plain = "";
  for (const b of new Uint8Array(buffer)) plain += String.fromCharCode(b);
  return btoa(plain).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
};

const known = (list) => (list || []).map((c) => ({ ...c, id: bytes(c.id) }));

// answered writes a credential as JSON, all binary parts in base64url.
const answered = (credential) => {
  const response = { clientDataJSON: text(credential.response.clientDataJSON) };
  for (const part of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (credential.response[part]) response[part] = text(credential.response[part]);
  }
  return JSON.stringify({ id: credential.id, rawId: text(credential.rawId), type: credential.type, response, clientExtensionResults: {} });
};

const ask = async () => {
  const options = JSON.parse(form.dataset.options);
  options.challenge = bytes(options.challenge);
  if (form.dataset.adds === "true") {
    options.user.id = bytes(options.user.id);
    options.excludeCredentials = known(options.excludeCredentials);
    return navigator.credentials.create({ publicKey: options });
  }
  options.allowCredentials = known(options.allowCredentials);
  return navigator.credentials.get({ publicKey: options });
};

button.addEventListener("click", async () => {
  if (!("credentials" in navigator)) {
    say.textContent = form.dataset.absent;
    return;
  }
  button.disabled = true; // a double click is one question
  say.textContent = form.dataset.asking;
  try {
    form.elements.answer.value = answered(await ask());
    form.submit();
  } catch {
    say.textContent = form.dataset.failed;
    button.disabled = false;
  }
});
window.addEventListener("pageshow", () => { button.disabled = false; });
