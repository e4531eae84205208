import { createHash } from "node:crypto"
import { script } from "./pageScript.ts"
import { style } from "./pageStyle.ts"

const escapes: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;"
}

export const escape = (text: string): string => text.replace(/[&<>"']/g, (character) => escapes[character] ?? "")

const hashOf = (text: string): string => `'sha256-${createHash("sha256").update(text).digest("base64")}'`

const none = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/** Headers of every answer except the document. */
export const headers: Readonly<Record<string, string>> = {
  "content-security-policy": none,
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer"
}

/** These headers allow only the document's own style and script, and requests to this server. */
export const documentHeaders: Readonly<Record<string, string>> = {
  ...headers,
  "content-type": "text/html; charset=utf-8",
  "content-security-policy": `${none}; connect-src 'self'; style-src ${hashOf(style)}; script-src ${hashOf(script)}; require-trusted-types-for 'script'; trusted-types 'none'`,
  "permissions-policy": "camera=(), geolocation=(), microphone=()"
}

export const document = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Broker logins</title>
<style>${style}</style>
</head>
<body>
<header>
<h1>Broker logins</h1>
<p id="summary"></p>
<button id="all" class="main" type="button" hidden>Log in all</button>
</header>
<main>
<section id="closed" hidden>
<h2 id="closed-title" tabindex="-1"></h2>
<p id="closed-text"></p>
<p>To open the page, press Enter in the terminal in which <code>broker-auth open</code> runs. If the command is no longer running, start it again. Each link opens the page once, so a reload needs a new link.</p>
</section>
<p id="trouble" class="failure" role="alert" hidden></p>
<p id="empty" hidden>There is no account yet. Add one in a terminal: <code>broker-auth add &lt;broker&gt;</code></p>
<ul id="accounts"></ul>
</main>
<p id="news" class="unseen" role="status" aria-live="polite"></p>
<noscript><p>This page needs JavaScript. Without it, use <code>broker-auth login</code> in a terminal.</p></noscript>
<template id="card">
<li class="card">
<h2 tabindex="-1"></h2>
<p class="who"></p>
<p class="state"></p>
<div class="failure" hidden><p class="message"></p><p class="remedy"></p></div>
<div class="step" hidden>
<p class="text"></p>
<p class="problem" hidden></p>
<svg class="qr" role="img" hidden><path></path></svg>
<p class="link" hidden><a target="_blank" rel="noopener noreferrer"></a></p>
<form class="answer" hidden autocomplete="off">
<label></label>
<div class="line"><input><button class="main" type="submit">Send</button></div>
</form>
<p class="left" hidden></p>
<div class="buttons"><button class="resend" type="button" hidden>Send a new code</button><button class="cancel" type="button" hidden>Cancel</button></div>
</div>
<div class="buttons"><button class="main login" type="button">Log in</button><button class="renew" type="button">Renew</button><button class="logout" type="button">Log out</button></div>
<dl>
<div><dt>Way to log in</dt><dd class="way"></dd></div>
<div><dt>Renewal</dt><dd class="renewal"></dd></div>
<div><dt>Login guard</dt><dd class="guard"></dd></div>
<div><dt>Stored in</dt><dd class="stored"></dd></div>
</dl>
</li>
</template>
<script>${script}</script>
</body>
</html>
`
