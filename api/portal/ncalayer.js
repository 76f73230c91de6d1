// Asks NCALayer, the national signing program on the reader's own machine, to sign the bytes of the page's form, and sends
// the form. Keys and passwords stay in NCALayer; this page sees the finished signature alone. Without this script the
// form still works: the document is downloaded, signed elsewhere and uploaded.
(() => {
  "use strict";
  const form = document.getElementById("signing");
  if (!form || !("WebSocket" in window)) return;
  const say = document.getElementById("ncalayer-status");
  const button = document.getElementById("ncalayer-sign");
  const texts = form.dataset;
  const silenceMax = 5000; // ms until NCALayer is taken for absent
  const signMax = 5 * 60 * 1000; // ms that the reader has to choose a key
  document.getElementById("ncalayer").hidden = false;

  class Refusal extends Error {}

  const base64 = (buffer) => {
    let text = "";
    for (const b of new Uint8Array(buffer)) text += String.fromCharCode(b);
    return btoa(text);
  };

  // exchange sends one question and waits for its answer; NCALayer greets first, by naming its version.
  const exchange = (question) => new Promise((resolve, reject) => {
    const socket = new WebSocket("wss://127.0.0.1:13579/");
    let greeted = false;
    let timer = setTimeout(() => end(reject, new Refusal(texts.absent)), silenceMax);
    const end = (how, value) => {
      clearTimeout(timer);
      socket.onclose = null;
      socket.close();
      how(value);
    };
    socket.onclose = () => end(reject, new Refusal(greeted ? texts.lost : texts.absent));
    socket.onmessage = (event) => {
      if (typeof event.data !== "string" || event.data.startsWith("--heartbeat--")) return;
      let answer;
      try {
        answer = JSON.parse(event.data);
      } catch {
        return end(reject, new Refusal(texts.lost));
      }
      if (!greeted) {
        greeted = true;
        say.textContent = texts.waiting;
        clearTimeout(timer);
        timer = setTimeout(() => end(reject, new Refusal(texts.lost)), signMax);
        return socket.send(JSON.stringify(question));
      }
      end(resolve, answer);
    };
  });

  // basics is the module of today.
  const basics = (data) => {
    const signer = { extKeyUsageOids: ["1.3.6.1.5.5.7.3.4"] };
    if (texts.iin) signer.iin = texts.iin;
    if (texts.bin) signer.bin = texts.bin;
    return {
      module: "kz.gov.pki.knca.basics",
      method: "sign",
      args: {
        allowedStorages: null,
        format: "cms",
        data,
        signingParams: { decode: "true", encapsulate: "false", digested: "false", tsaProfile: {} },
        signerParams: signer,
        locale: texts.locale,
      },
    };
  };

  // commonUtils is the module of older versions.
  const commonUtils = (data) => ({
    module: "kz.gov.pki.knca.commonUtils",
    method: "createCAdESFromBase64",
    args: ["PKCS12", "SIGNATURE", data, false],
  });

  // signature gets it out of an answer; undefined means that the version does not know the module basics.
  const signature = (answer) => {
    if (typeof answer.status === "boolean") {
      const result = answer.body && answer.body.result;
      const one = Array.isArray(result) ? result[0] : result;
      if (!answer.status) throw new Refusal(texts.refused);
      if (typeof one !== "string" || one === "") throw new Refusal(texts.cancelled);
      return one;
    }
    if (answer.code === "200" && typeof answer.responseObject === "string") return answer.responseObject;
    if (answer.message === "action.canceled") throw new Refusal(texts.cancelled);
    return undefined;
  };

  const sign = async () => {
    say.textContent = texts.connecting;
    const response = await fetch(texts.document, { credentials: "same-origin", cache: "no-store" });
    if (!response.ok) throw new Refusal(texts.lost);
    const data = base64(await response.arrayBuffer());
    let cms = signature(await exchange(basics(data)));
    if (cms === undefined) cms = signature(await exchange(commonUtils(data)));
    if (cms === undefined) throw new Refusal(texts.refused);
    document.getElementById("cms").value = cms;
    say.textContent = texts.sending;
    form.submit();
  };

  button.addEventListener("click", async () => {
    button.disabled = true; // a double click is one signature
    try {
      await sign();
    } catch (e) {
      say.textContent = e instanceof Refusal ? e.message : texts.lost;
      document.getElementById("by-file").open = true;
      button.disabled = false;
    }
  });
  // Back from the next page: the browser shows the old page with its button off.
  window.addEventListener("pageshow", () => { button.disabled = false; });
})();
