// A citizen's browser without a screen: cookies, redirects, and the forms of the pages as a person fills them in.

const TAG = /<(form|input|button)\b([^>]*)>|<\/form>/g;
const ATTRIBUTE = /([\w-]+)(?:="([^"]*)")?/g;
const NAMED = { amp: "&", lt: "<", gt: ">", quot: '"', "#34": '"', "#39": "'" };
const SECTION = "scope";
const MANY = 20;

export const EVERYTHING = { includes: () => true }; // to tick

function plain(text) {
  return text.replace(/&(#?\w+);/g, (whole, name) => NAMED[name] ?? whole);
}

function attributes(text) {
  return Object.fromEntries([...text.matchAll(ATTRIBUTE)].map(([, name, value]) => [name, plain(value ?? "")]));
}

// Every form of a page: where it goes, what it sends as it stands, its buttons, and the sections that can be ticked.
function forms(html) {
  const found = [];
  for (const [, tag, text] of html.matchAll(TAG)) {
    const form = found.at(-1);
    const has = attributes(text ?? "");
    if (tag === "form") found.push({ action: has.action, fields: [], buttons: [], sections: [] });
    else if (tag === "button") form?.buttons.push([has.name, has.value]);
    else if (tag === "input" && has.name === SECTION && has.type === "checkbox") form?.sections.push(has.value);
    else if (tag === "input" && isSent(has)) form?.fields.push([has.name, has.value ?? ""]);
  }
  return found;
}

function isSent({ name, type, checked }) {
  return name && (checked !== undefined || !["checkbox", "radio"].includes(type));
}

export class Browser {
  #cookies = new Map();

  constructor(issuer) {
    this.issuer = issuer;
  }

  // Follows redirects at the server; { page } as it is shown, or { address } of the client it was sent away to.
  async go(address, body) {
    let next = new URL(address, this.issuer);
    for (let step = 0; step < MANY; step++) {
      if (next.origin !== this.issuer) return { address: next };
      const answer = await this.#ask(next, body);
      if (answer.status < 300 || answer.status >= 400) return { page: await answer.text(), status: answer.status };
      next = new URL(answer.headers.get("location"), next);
      body = undefined;
    }
    throw new Error("sent around and around");
  }

  async #ask(address, body) {
    const cookie = [...this.#cookies].map((pair) => pair.join("=")).join("; ");
    const sent = { redirect: "manual", headers: { cookie, origin: this.issuer } };
    const answer = await fetch(address, body ? { ...sent, method: "POST", body: new URLSearchParams(body) } : sent);
    for (const line of answer.headers.getSetCookie()) {
      const [name, value] = line.split(";")[0].split("=");
      this.#cookies.set(name, value);
    }
    return answer;
  }

  // Presses a button of the page: of its form goes what stands there, and the sections that are ticked.
  async press(shown, name, value, ticked = []) {
    const form = forms(shown.page).find(({ buttons }) => buttons.some((one) => one[0] === name && one[1] === value));
    if (!form) throw new Error(`no button ${name}=${value} (${shown.status}): ${shown.page}`);
    const sections = form.sections.filter((one) => ticked.includes(one)).map((one) => [SECTION, one]);
    return this.go(form.action, [...form.fields, ...sections, [name, value]]);
  }

  // Opens an address and signs in as the citizen where that is asked first.
  async open(address, citizen) {
    const shown = await this.go(address);
    return shown.page?.includes('name="citizen"') ? this.press(shown, "citizen", citizen) : shown;
  }

  // The whole of an authorization: the address of the client that the browser is sent to, with its parameters.
  async allow(address, citizen, ticked) {
    let shown = await this.open(address, citizen);
    for (const decision of ["go_on", "allow"]) {
      if (shown.page?.includes(`value="${decision}"`)) shown = await this.press(shown, "decision", decision, ticked);
    }
    if (!shown.address) throw new Error(`not allowed (${shown.status}): ${shown.page}`);
    return shown.address;
  }

  async deny(address, citizen) {
    return (await this.press(await this.open(address, citizen), "decision", "deny")).address;
  }
}
