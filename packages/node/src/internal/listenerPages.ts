/** Pages that the redirect listener shows in the browser. They contain no scripts. */
import { createHash } from "node:crypto"

export interface Page {
  readonly status: number
  readonly title: string
  readonly paragraphs: ReadonlyArray<string>
}

const page = (status: number, title: string, ...paragraphs: ReadonlyArray<string>): Page => ({
  status,
  title,
  paragraphs
})

const close = "You can close this page."

export const pages = {
  accepted: page(200, "Login complete", "Your program is logged in.", close),
  pending: page(
    200,
    "Login received",
    "Your program has received the login. The program shows whether the login succeeds.",
    close
  ),
  declined: (...paragraphs: ReadonlyArray<string>) => page(200, "Login declined", ...paragraphs, close),
  failed: (...paragraphs: ReadonlyArray<string>) => page(200, "Login failed", ...paragraphs, close),
  otherLogin: page(
    400,
    "Not the pending login",
    "This address does not belong to the login that your program waits for. The request was ignored.",
    "If you have just logged in, start the login again in your program, and use only the page that it opens."
  ),
  noParameters: page(
    400,
    "Login not received",
    "Your program has received no login parameters.",
    "If you have just logged in and the address of this page contains a #, copy the whole address and paste it in your program."
  ),
  completed: page(
    410,
    "Login already received",
    "Your program received this login before. This request changed nothing.",
    close
  ),
  usedLink: page(
    410,
    "Link already used",
    "This link opens the login page only once.",
    "Start the login again in your program."
  ),
  notFound: page(404, "Page not found", "Nothing is served at this address."),
  otherHost: page(400, "Wrong address", "This listener answers only requests for its own host and port."),
  otherTarget: page(400, "Wrong request", "The request line must contain a path, not a whole address."),
  otherMethod: page(405, "Method not allowed", "This address does not accept the method of the request."),
  notOpened: page(
    403,
    "Page not opened",
    "This address must be opened as a page of its own, not as a prefetch, a frame or a script."
  ),
  otherForm: page(415, "Not a form", "The callback must be an HTML form (application/x-www-form-urlencoded)."),
  tooLarge: page(413, "Form too large", "The form is larger than any broker's callback."),
  cutOff: page(400, "Incomplete request", "The connection closed before the request was complete."),
  broken: page(500, "Listener failed", "The listener has failed. Start the login again in your program.")
} as const

const style = `
:root{color-scheme:light dark}
*{box-sizing:border-box}
body{margin:0;padding:12vh 1.25rem 2rem;font:1rem/1.5 system-ui,sans-serif;color:#1b1f24;background:#f6f7f9}
main{max-width:30rem;margin:0 auto;padding:1.5rem;border:1px solid #d3d8de;border-radius:.5rem;background:#fff;overflow-wrap:anywhere}
h1{margin:0 0 .75rem;font-size:1.375rem;line-height:1.25}
p{margin:.75rem 0 0}
@media (prefers-color-scheme:dark){body{color:#e6e9ed;background:#14171b}main{border-color:#39414a;background:#1d2126}}
`

const styleHash = createHash("sha256").update(style).digest("base64")

const escapes: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;"
}

const escape = (text: string): string => text.replace(/[&<>"']/g, (character) => escapes[character] ?? "")

export const render = ({ paragraphs, title }: Page): string =>
  `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(title)}</title>
<style>${style}</style>
<main>
<h1>${escape(title)}</h1>
${paragraphs.map((text) => `<p>${escape(text)}</p>`).join("\n")}
</main>
</html>
`

export const headers: Readonly<Record<string, string>> = {
  "cache-control": "no-store",
  "content-security-policy": `default-src 'none'; style-src 'sha256-${styleHash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  "content-type": "text/html; charset=utf-8",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  connection: "close"
}
