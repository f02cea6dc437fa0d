// Hands the device's answer about a passkey to the form around the button. Without it the other ways still work.
"use strict";

function bytes(text) {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (character) => character.charCodeAt(0));
}

function base64url(buffer) {
  const plain = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(plain).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function forDevice(options) {
  const known = (list) => (list || []).map((one) => ({ ...one, id: bytes(one.id) }));
  const told = { ...options, challenge: bytes(options.challenge) };
  if (options.user) {
    told.user = { ...options.user, id: bytes(options.user.id) };
    told.excludeCredentials = known(options.excludeCredentials);
  } else {
    told.allowCredentials = known(options.allowCredentials);
  }
  return told;
}

function forServer(credential) {
  const answer = credential.response;
  const response = { clientDataJSON: base64url(answer.clientDataJSON) };
  if (answer.attestationObject) {
    response.attestationObject = base64url(answer.attestationObject);
    response.transports = answer.getTransports ? answer.getTransports() : [];
  } else {
    response.authenticatorData = base64url(answer.authenticatorData);
    response.signature = base64url(answer.signature);
    response.userHandle = answer.userHandle ? base64url(answer.userHandle) : null;
  }
  return JSON.stringify({ id: credential.id, rawId: base64url(credential.rawId), type: credential.type, response });
}

async function ask(form) {
  const publicKey = forDevice(JSON.parse(form.dataset.options));
  const device = navigator.credentials;
  const credential = await (publicKey.user ? device.create({ publicKey }) : device.get({ publicKey }));
  form.elements.credential.value = forServer(credential);
  form.submit();
}

for (const form of document.querySelectorAll("form[data-options]")) {
  if (!window.PublicKeyCredential) continue;
  form.hidden = false;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const trouble = form.querySelector("[role=alert]");
    trouble.hidden = true;
    ask(form).catch(() => {
      trouble.hidden = false;
    });
  });
}
