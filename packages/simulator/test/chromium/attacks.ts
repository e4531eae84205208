/** `body` is JSON, or the URL-encoded fields of a form. */
export interface Target {
  readonly url: string
  readonly body: string
}

/**
 * Sends a request to the target with one feature of the browser, such as a form. The result is the text that the page
 * read from the answer, or `loaded` or `opened`. The result is empty if the page got nothing from the answer, and
 * `undefined` if the page cannot use this feature.
 */
export type Attack = (target: Target) => Promise<string | undefined>

export interface Attacks {
  readonly posts: Readonly<Record<string, Attack>>
  readonly gets: Readonly<Record<string, Attack>>
}

/**
 * Defines the attacks in a page. Playwright passes only the source of this function to the page. So the function must
 * use nothing that is defined outside the function.
 */
export const install = (): void => {
  /** Time limit for an answer, in milliseconds. Attacks that call `read` have no time limit. */
  const patience = 700

  const within = (promise: Promise<string>): Promise<string> =>
    Promise.race([promise, new Promise<string>((resolve) => setTimeout(() => resolve(""), patience))])

  const add = <E extends HTMLElement>(element: E): E => document.body.appendChild(element)

  const make = (tag: string, fields: Readonly<Record<string, string>>): HTMLElement => {
    const element = document.createElement(tag)
    for (const [name, value] of Object.entries(fields)) element.setAttribute(name, value)
    return element
  }

  const load = async (tag: string, fields: Readonly<Record<string, string>>): Promise<string> => {
    const element = make(tag, fields)
    const settled = new Promise<string>((resolve) => {
      for (const event of ["load", "loadedmetadata"]) element.addEventListener(event, () => resolve("loaded"))
      element.addEventListener("error", () => resolve(""))
    })
    add(element)
    const outcome = await within(settled)
    element.remove()
    return outcome
  }

  const textOf = (window: Window | null): string => {
    try {
      return window?.document.documentElement.textContent ?? ""
    } catch {
      return ""
    }
  }

  /** Adding an empty frame loads a blank page at once. So the listeners are added afterwards. */
  const frame = async (tag: string, fields: Readonly<Record<string, string>>, start = () => {}): Promise<string> => {
    const element = add(make(tag, fields) as HTMLIFrameElement)
    const settled = new Promise<string>((resolve) => {
      for (const event of ["load", "error"]) element.addEventListener(event, () => resolve(""))
    })
    start()
    await within(settled)
    const read = textOf(element.contentWindow)
    element.remove()
    return read
  }

  const isForeign = (window: Window): boolean => {
    try {
      return window.document.body === undefined
    } catch {
      return true
    }
  }

  /** Leaves the new window open. `tryAll` in `harness.ts` closes the window. */
  const popUp = async (start: (name: string) => Window | null): Promise<string> => {
    const opened = start(`window-${performance.now()}`)
    if (opened === null) return ""
    const hasLoaded = () =>
      isForeign(opened) || (opened.location.href !== "about:blank" && opened.document.readyState === "complete")
    for (let waited = 0; waited < patience && !hasLoaded(); waited += 10) {
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    return textOf(opened)
  }

  /** A text/plain form sends `name=value`, so JSON is split at `=`. JSON without `=` arrives with `=` appended. */
  const fieldsOf = (body: string): ReadonlyArray<readonly [string, string]> => {
    if (!body.startsWith("{")) return Array.from(new URLSearchParams(body))
    const [name = "", ...values] = body.split("=")
    return [[name, values.join("=")]]
  }

  const formFor = ({ body, url }: Target, enctype: string, target: string): HTMLFormElement => {
    const form = add(make("form", { method: "post", action: url, enctype, target }) as HTMLFormElement)
    for (const [name, value] of fieldsOf(body)) form.append(make("input", { type: "hidden", name, value }))
    return form
  }

  const formInFrame = (target: Target, enctype: string): Promise<string> => {
    const name = `frame-${performance.now()}`
    return frame("iframe", { name }, () => formFor(target, enctype, name).submit())
  }

  const read = async (url: string, init: RequestInit): Promise<string> => {
    try {
      const response = await fetch(url, init)
      if (response.type.startsWith("opaque")) return ""
      return `${response.status} ${await response.text()}`
    } catch {
      return ""
    }
  }

  const xhr = (method: string, url: string, body?: string): Promise<string> =>
    within(
      new Promise((resolve) => {
        const request = new XMLHttpRequest()
        request.open(method, url)
        request.addEventListener("loadend", () =>
          resolve(request.status === 0 ? "" : `${request.status} ${request.responseText}`)
        )
        request.send(body)
      })
    )

  const redirected = (url: string, status: number): string =>
    `/redirect?${new URLSearchParams({ to: url, status: String(status) })}`

  const inServiceWorker = async (url: string, init: RequestInit): Promise<string | undefined> => {
    try {
      await navigator.serviceWorker.register("/worker.js")
    } catch {
      return undefined
    }
    const { active } = await navigator.serviceWorker.ready
    const { port1, port2 } = new MessageChannel()
    const answered = new Promise<string>((resolve) =>
      port1.addEventListener("message", ({ data }) => resolve(String(data)))
    )
    port1.start()
    active?.postMessage({ url, init }, [port2])
    return within(answered)
  }

  const inWorker = (script: string): Promise<string> => {
    const worker = new Worker(URL.createObjectURL(new Blob([script])))
    const answered = new Promise<string>((resolve) => {
      worker.addEventListener("message", ({ data }) => resolve(String(data)))
      worker.addEventListener("error", () => resolve(""))
    })
    return within(answered).finally(() => worker.terminate())
  }

  const overrides = { "x-http-method-override": "POST", "x-http-method": "POST", "x-method-override": "POST" }

  const withQuery = (url: string, query: string): string => `${url}${url.includes("?") ? "&" : "?"}${query}`

  const posts: Attacks["posts"] = {
    "a urlencoded form": (target) => formInFrame(target, "application/x-www-form-urlencoded"),
    "a text/plain form": (target) => formInFrame(target, "text/plain"),
    "a multipart form": (target) => formInFrame(target, "multipart/form-data"),
    "a form in a new window": (target) =>
      popUp((name) => {
        const opened = open("about:blank", name)
        formFor(target, "text/plain", name).submit()
        return opened
      }),
    "a form with a redirect": ({ body, url }) => formInFrame({ url: redirected(url, 307), body }, "text/plain"),
    fetch: ({ body, url }) => read(url, { method: "POST", body }),
    "fetch with JSON": ({ body, url }) =>
      read(url, { method: "POST", body, headers: { "content-type": "application/json" } }),
    "fetch with cookies": ({ body, url }) => read(url, { method: "POST", body, credentials: "include" }),
    "fetch without a referrer": ({ body, url }) => read(url, { method: "POST", body, referrerPolicy: "no-referrer" }),
    "fetch without CORS": ({ body, url }) => read(url, { method: "POST", body, mode: "no-cors" }),
    "fetch that outlives the page": ({ body, url }) =>
      read(url, { method: "POST", body, mode: "no-cors", keepalive: true }),
    "fetch with a redirect": ({ body, url }) => read(redirected(url, 307), { method: "POST", body }),
    "fetch without CORS with a redirect": ({ body, url }) =>
      read(redirected(url, 308), { method: "POST", body, mode: "no-cors" }),
    "fetch in a worker": ({ body, url }) =>
      inWorker(
        `fetch(${JSON.stringify(url)}, { method: "POST", mode: "no-cors", body: ${JSON.stringify(body)} })
          .then((response) => response.text()).then(postMessage, () => postMessage(""))`
      ),
    "fetch in a service worker": ({ body, url }) => inServiceWorker(url, { method: "POST", mode: "no-cors", body }),
    XMLHttpRequest: ({ body, url }) => xhr("POST", url, body),
    "a beacon": async ({ body, url }) => {
      navigator.sendBeacon(url, body)
      return ""
    },
    "the ping of a link": async ({ url }) => {
      const link = add(make("a", { href: "#", ping: url }))
      link.click()
      return ""
    },
    "a report of a violated policy": async ({ url }) => {
      // The document in the frame violates its own policy, and Chromium reports the violation to `url`.
      await frame("iframe", { src: `/report?${new URLSearchParams({ to: url })}` })
      return ""
    }
  }

  const gets: Attacks["gets"] = {
    fetch: ({ url }) => read(url, {}),
    "fetch with cookies": ({ url }) => read(url, { credentials: "include" }),
    "fetch without a referrer": ({ url }) => read(url, { referrerPolicy: "no-referrer" }),
    "fetch without CORS": ({ url }) => read(url, { mode: "no-cors" }),
    "fetch with overridden method": ({ url }) => read(url, { headers: overrides }),
    "fetch with a redirect": ({ url }) => read(redirected(url, 302), {}),
    "fetch in a worker": ({ url }) =>
      inWorker(
        `fetch(${JSON.stringify(url)}).then((response) => response.text()).then(postMessage, () => postMessage(""))`
      ),
    "fetch in a service worker": ({ url }) => inServiceWorker(url, {}),
    XMLHttpRequest: ({ url }) => xhr("GET", url),
    "an image": ({ url }) => load("img", { src: url }),
    "an image with overridden method": ({ url }) =>
      load("img", { src: withQuery(url, "_method=POST&x-http-method-override=POST") }),
    "an image with a redirect": ({ url }) => load("img", { src: redirected(url, 302) }),
    "a script": ({ url }) => load("script", { src: url }),
    "a script module": ({ url }) => load("script", { src: url, type: "module" }),
    "a script of a worker": ({ url }) => inWorker(`importScripts(${JSON.stringify(url)}); postMessage("loaded")`),
    "a style sheet": ({ url }) => load("link", { rel: "stylesheet", href: url }),
    "a prefetch": ({ url }) => load("link", { rel: "prefetch", href: url }),
    "a preload": ({ url }) => load("link", { rel: "preload", as: "image", href: url }),
    "a speculative prefetch": async ({ url }) => {
      // Chromium prefetches only https and loopback addresses, and nothing in a sandboxed frame.
      if (origin === "null" || (!isSecureContext && new URL(url).origin === origin)) return undefined
      const rules = make("script", { type: "speculationrules" })
      rules.textContent = JSON.stringify({ prefetch: [{ source: "list", urls: [url], eagerness: "immediate" }] })
      add(rules)
      return ""
    },
    "a video": ({ url }) => load("video", { src: url, preload: "auto" }),
    "a frame": ({ url }) => frame("iframe", { src: url }),
    "a frame with a redirect": ({ url }) => frame("iframe", { src: redirected(url, 302) }),
    "an object": ({ url }) => frame("object", { data: url, type: "text/html" }),
    "an embed": ({ url }) => frame("embed", { src: url, type: "text/html" }),
    "a window": ({ url }) => popUp((name) => open(url, name)),
    "a window with a redirect": ({ url }) => popUp((name) => open(redirected(url, 302), name)),
    "an EventSource": ({ url }) =>
      within(
        new Promise((resolve) => {
          const source = new EventSource(url)
          source.addEventListener("open", () => resolve("opened"))
          source.addEventListener("error", () => {
            source.close()
            resolve("")
          })
        })
      )
  }

  Object.assign(globalThis, { attacks: { posts, gets } })
}
