// Helps the page of verification: a signature beside its document is checked by the document's digest, worked out here, so that the
// document never travels; files may be dropped anywhere; a receipt's QR code is read from a picture where the browser can. Without
// this script the same forms send the files.
import { hashes, hex } from "/verify/hash.js";

const form = document.getElementById("check");
const signature = document.getElementById("document");
const original = document.getElementById("detached");
const say = document.getElementById("progress-text");
const bar = document.getElementById("progress");
const consent = document.getElementById("consent");
const texts = form.dataset;
const sizeMax = Number(texts.max);
const pieceMax = 1 << 19; // octets between two looks at the screen

document.getElementById("stays").hidden = false;
let working = false;

// isSignature guesses by the first octets: DER, PEM or base64 of DER. What does not look like one is never sent unasked.
const isSignature = async (file) => {
  const head = new Uint8Array(await file.slice(0, 64).arrayBuffer());
  const text = new TextDecoder("latin1").decode(head).trimStart();
  return (head[0] === 0x30 && head[1] >= 0x80) || text.startsWith("-----BEGIN") || text.startsWith("MI");
};

const give = (input, file) => {
  const box = new DataTransfer();
  if (file) box.items.add(file);
  input.files = box.files;
};

// digestsOf hashes a file piece by piece with all the functions at once.
const digestsOf = async (file, names) => {
  const running = names.map((name) => hashes[name]());
  bar.max = file.size;
  bar.hidden = false;
  for (let at = 0; at < file.size; at += pieceMax) {
    const piece = new Uint8Array(await file.slice(at, at + pieceMax).arrayBuffer());
    running.forEach((h) => h.update(piece));
    bar.value = at + piece.length;
    await new Promise((resume) => setTimeout(resume));
  }
  return names.map((name, i) => name + ":" + hex(running[i].digest())).join(" ");
};

const action = form.action;
const reset = () => {
  working = false;
  original.disabled = false;
  document.getElementById("digests").disabled = true;
  bar.hidden = consent.hidden = true;
  say.textContent = "";
  form.action = action;
};

const send = (button) => {
  say.textContent = texts.sending;
  bar.removeAttribute("value");
  bar.hidden = false;
  if (button && button.hasAttribute("formaction")) {
    form.action = button.getAttribute("formaction");
    setTimeout(reset, 3000); // a file comes, and this page stays
  }
  form.submit();
};

// withDigests puts digests in the place of the original; false where the kind of signature does not allow it.
const withDigests = async () => {
  let [sig, orig] = [signature.files[0], original.files[0]];
  if (!(await isSignature(sig)) && (await isSignature(orig))) [sig, orig] = [orig, sig];
  if (!(await isSignature(sig))) return false;
  if (sig.size > sizeMax) throw new Error(texts.large);
  const answer = await fetch("/verify/hashes", { method: "POST", headers: { "Content-Type": "application/octet-stream" }, body: sig });
  if (!answer.ok) throw new Error(texts.failed);
  const wanted = (await answer.json()).hashes;
  if (!wanted.length || wanted.some((name) => !(name in hashes))) return false;
  say.textContent = texts.hashing;
  const digests = document.getElementById("digests");
  digests.value = await digestsOf(orig, wanted);
  digests.disabled = false;
  give(signature, sig);
  original.disabled = true;
  return true;
};

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (working) return; // a double click
  working = true;
  const button = event.submitter;
  try {
    if (!signature.files.length || !original.files.length || (await withDigests())) {
      if ((signature.files[0]?.size ?? 0) > sizeMax) throw new Error(texts.large);
      return send(button);
    }
    // The reader decides: this kind of signature can be checked with the document alone.
    say.textContent = texts.travels;
    consent.hidden = false;
    consent.onclick = () => send(button);
    consent.focus();
  } catch (problem) {
    say.textContent = problem instanceof TypeError || !problem.message ? texts.failed : problem.message;
    bar.hidden = true;
  }
  working = false;
});

// Whoever comes back by the back button finds the form as it was made.
addEventListener("pageshow", reset);

addEventListener("dragover", (event) => event.preventDefault());
addEventListener("drop", (event) => {
  if (event.target.type === "file") return; // the field takes it itself
  event.preventDefault();
  const files = [...event.dataTransfer.files];
  if (!files.length) return;
  give(signature, files[0]);
  give(original, files[1]);
});

// A QR code leads to an address; only the code in it is of use, and it is looked up here and nowhere else.
const codeOf = (text) => {
  try {
    return new URL(text).searchParams.get("code") ?? "";
  } catch {
    return text;
  }
};

const scan = document.getElementById("scan");
const readable = "BarcodeDetector" in window ? await BarcodeDetector.getSupportedFormats() : [];
if (readable.includes("qr_code")) {
  document.getElementById("scanner").hidden = false;
  scan.addEventListener("change", async () => {
    const status = document.getElementById("scan-text");
    const field = document.getElementById("code");
    try {
      const found = await new BarcodeDetector({ formats: ["qr_code"] }).detect(await createImageBitmap(scan.files[0]));
      field.value = found.map((f) => codeOf(f.rawValue)).find((c) => /^[0-9A-Za-z -]{16,64}$/.test(c)) ?? "";
    } catch {
      field.value = "";
    }
    if (field.value) field.form.requestSubmit();
    else status.textContent = status.dataset.none;
  });
}
