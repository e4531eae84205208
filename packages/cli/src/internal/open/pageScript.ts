/**
 * The script of the page that `broker-auth open` shows. The script has no build step. The bearer token is only in a
 * variable, so closing or reloading the page loses the token.
 */
export const script = String.raw`"use strict";
(() => {
  const find = (id) => document.getElementById(id)
  const cards = new Map()
  // Accounts with an action that was started on this page. Only their steps move the focus or open a login page.
  const own = new Set()
  const openedPages = new Set()
  let bearer
  let isReady = false

  const post = (path, body) =>
    fetch(path, {
      method: "POST",
      headers: { "content-type": "application/json", ...(bearer && { authorization: "Bearer " + bearer }) },
      body: JSON.stringify(body || {}),
      cache: "no-store",
      credentials: "omit",
      referrerPolicy: "no-referrer"
    })

  const write = (element, text) => {
    if (element.textContent !== text) element.textContent = text
  }
  // SVG elements have no property "hidden", only the attribute.
  const reveal = (element, isShown) => element.toggleAttribute("hidden", !isShown)
  const tell = (text) => {
    const news = find("news")
    // A screen reader reads only a changed text, so a repeated text gets a blank.
    news.textContent = news.textContent === text ? text + "\u00a0" : text
  }

  const close = (title, text) => {
    bearer = undefined
    isReady = false
    for (const { root } of cards.values()) root.remove()
    cards.clear()
    for (const id of ["all", "empty", "trouble"]) reveal(find(id), false)
    write(find("summary"), "")
    write(find("closed-title"), title)
    write(find("closed-text"), text)
    reveal(find("closed"), true)
    tell(title + ". " + text)
  }

  const act = async (path, body) => {
    const response = await post(path, body).catch(() => undefined)
    if (response === undefined || response.ok) return
    const { error } = await response.json().catch(() => ({}))
    if (error) tell(error.message + ". " + error.remedy)
  }

  const pathOf = (name, what) => "/accounts/" + encodeURIComponent(name) + "/" + what

  const minutes = (until) => {
    const seconds = Math.max(0, Math.ceil((until - Date.now()) / 1000))
    return Math.floor(seconds / 60) + ":" + String(seconds % 60).padStart(2, "0")
  }

  const summarize = () => {
    const rows = Array.from(cards.values(), ({ row }) => row)
    const live = rows.filter(({ state }) => state === "live").length
    write(find("summary"), isReady && rows.length > 0 ? live + " of " + rows.length + " accounts are live." : "")
    reveal(find("empty"), isReady && rows.length === 0)
    reveal(find("all"), rows.length > 0)
    const canLogIn = rows.some(({ state, step }) => state !== "live" && step === null)
    find("all").setAttribute("aria-disabled", String(!canLogIn))
  }

  const countDown = ({ parts, row }) => {
    const step = row.step
    const texts = []
    if (step !== null && step._tag === "code") {
      if (step.attemptsLeft !== null)
        texts.push(step.attemptsLeft + (step.attemptsLeft === 1 ? " attempt" : " attempts") + " left.")
      if (step.expiresAt !== null) texts.push("The code expires in " + minutes(step.expiresAt) + ".")
      const wait = step.resendAt === null ? 0 : step.resendAt - Date.now()
      if (wait > 0) texts.push("A new code can be sent in " + minutes(step.resendAt) + ".")
      parts.resend.setAttribute("aria-disabled", String(wait > 0))
    }
    if (step !== null && step._tag === "qr") texts.push("The QR code expires in " + minutes(step.expiresAt) + ".")
    write(parts.left, texts.join(" "))
    reveal(parts.left, texts.length > 0)
  }

  const drawQr = (svg, name, modules) => {
    const size = modules.length + 8
    let path = ""
    modules.forEach((row, y) => {
      for (let x = 0; x < row.length; x += 1) {
        if (row[x] === "1") path += "M" + (x + 4) + " " + (y + 4) + "h1v1h-1z"
      }
    })
    svg.setAttribute("viewBox", "0 0 " + size + " " + size)
    svg.setAttribute("aria-label", "QR code to log in to " + name)
    svg.firstElementChild.setAttribute("d", path)
  }

  const make = (name) => {
    const root = find("card").content.firstElementChild.cloneNode(true)
    const part = (selector) => root.querySelector(selector)
    const parts = {}
    for (const id of ["who", "state", "failure", "message", "remedy", "step", "text", "problem", "qr", "link", "answer", "left", "resend", "cancel", "login", "renew", "logout", "way", "renewal", "guard", "stored"]) parts[id] = part("." + id)
    parts.title = part("h2")
    parts.anchor = part("a")
    parts.input = part("input")
    parts.label = part("label")
    const card = { root, parts, row: undefined }
    const id = "answer-" + name
    parts.input.id = id
    parts.label.htmlFor = id
    write(parts.title, name)
    for (const [what, label] of [["login", "Log in to "], ["renew", "Renew "], ["logout", "Log out of "], ["cancel", "Cancel for "], ["resend", "Send a new code for "]]) {
      parts[what].setAttribute("aria-label", label + name)
      parts[what].addEventListener("click", () => {
        if (parts[what].getAttribute("aria-disabled") === "true") return
        own.add(name)
        act(pathOf(name, what))
      })
    }
    parts.answer.addEventListener("submit", (event) => {
      event.preventDefault()
      const text = parts.input.value.trim()
      if (text === "") return parts.input.focus()
      parts.input.value = ""
      act(pathOf(name, "answer"), { text })
    })
    const next = Array.from(cards.values()).filter((other) => other.row.name > name).sort((one, other) => (one.row.name < other.row.name ? -1 : 1))[0]
    find("accounts").insertBefore(root, next === undefined ? null : next.root)
    cards.set(name, card)
    return card
  }

  const showStep = (card, name, broker, step) => {
    const { parts } = card
    const tag = step === null ? "" : step._tag
    reveal(parts.step, step !== null)
    if (step === null) {
      parts.input.value = ""
      reveal(parts.answer, false)
      reveal(parts.link, false)
      return
    }
    const isPaste = tag === "browser" && step.paste
    write(parts.text, step.text)
    write(parts.problem, step.problem || "")
    reveal(parts.problem, Boolean(step.problem))
    reveal(parts.qr, tag === "qr")
    if (tag === "qr") drawQr(parts.qr, name, step.modules)
    reveal(parts.link, tag === "browser" && step.url !== "")
    if (tag === "browser" && step.url !== "") {
      write(parts.anchor, "Open the login page of " + broker)
      parts.anchor.href = step.url
    }
    reveal(parts.answer, tag === "code" || isPaste)
    write(parts.label, isPaste ? "Address of the page after the login" : "One-time code for " + name)
    const attributes = isPaste
      ? { type: "password", inputmode: "url", autocomplete: "off", maxlength: "8000" }
      : { type: "text", inputmode: "numeric", autocomplete: "one-time-code", maxlength: "12" }
    for (const [key, value] of Object.entries(attributes)) parts.input.setAttribute(key, value)
    reveal(parts.resend, tag === "code" && step.resendAt !== null)
    reveal(parts.cancel, tag !== "busy" || step.canCancel)
  }

  // While the person types in another input, the focus does not move.
  const moveFocus = (card, name, before) => {
    const { parts, row } = card
    const active = document.activeElement
    const isTyping = active !== null && active.tagName === "INPUT" && active.value !== "" && active !== parts.input
    const key = (step) => (step === null ? "" : step._tag + (step.paste ? "+" : ""))
    if (key(row.step) === key(before) || !own.has(name) || isTyping) return
    if (!parts.answer.hidden) return parts.input.focus()
    if (!parts.link.hidden) return parts.anchor.focus()
    if (active === null || active === document.body || parts.step.contains(active)) parts.title.focus()
  }

  // For a few seconds after a click, the browser lets the page open a tab. Without a recent click, the person uses the
  // link.
  const openPage = (name, step) => {
    if (step === null || step._tag !== "browser" || step.url === "" || openedPages.has(step.url)) return
    openedPages.add(step.url)
    const isAllowed = navigator.userActivation !== undefined && navigator.userActivation.isActive
    if (own.has(name) && isAllowed) window.open(step.url, "_blank", "noopener,noreferrer")
  }

  const news = (row, before) => {
    const texts = []
    if (row.step !== null && (before === undefined || before.step === null || before.step.text !== row.step.text))
      texts.push(row.step.text)
    if (row.step !== null && row.step.problem && (before === undefined || before.step === null || before.step.problem !== row.step.problem))
      texts.push(row.step.problem)
    if (before !== undefined && row.stateText !== before.stateText) texts.push(row.stateText + ".")
    if (row.failure !== null && (before === undefined || before.failure === null))
      texts.push(row.failure.message + ". " + row.failure.remedy)
    return texts.length === 0 ? "" : row.name + ": " + texts.join(" ")
  }

  const update = (row) => {
    const card = cards.get(row.name) || make(row.name)
    const { parts, root } = card
    const before = card.row
    card.row = row
    root.classList.toggle("live", row.state === "live")
    root.classList.toggle("held", row.isHeldBack)
    write(parts.who, row.broker + ", " + row.account)
    write(parts.state, row.stateText)
    write(parts.way, row.way)
    write(parts.renewal, row.renewal)
    write(parts.guard, row.guard)
    write(parts.stored, row.storedIn)
    reveal(parts.failure, row.failure !== null)
    if (row.failure !== null) {
      write(parts.message, row.failure.message)
      write(parts.remedy, row.failure.remedy)
    }
    showStep(card, row.name, row.broker, row.step)
    write(parts.login, row.state === "live" ? "Log in again" : "Log in")
    parts.login.setAttribute("aria-label", (row.state === "live" ? "Log in again to " : "Log in to ") + row.name)
    parts.login.classList.toggle("main", row.state !== "live")
    reveal(parts.renew, row.canRenew)
    reveal(parts.logout, row.state !== "none")
    for (const id of ["login", "renew", "logout"]) parts[id].setAttribute("aria-disabled", String(row.step !== null))
    countDown(card)
    openPage(row.name, row.step)
    moveFocus(card, row.name, before === undefined ? null : before.step)
    if (row.step === null) own.delete(row.name)
    const text = isReady ? news(row, before) : ""
    if (text !== "") tell(text)
  }

  const remove = (name) => {
    const card = cards.get(name)
    if (card === undefined) return
    const hadFocus = card.root.contains(document.activeElement)
    card.root.remove()
    cards.delete(name)
    if (hadFocus) find("all").focus()
    if (isReady) tell(name + " was removed.")
  }

  const handlers = {
    account: ({ row }) => update(row),
    removed: ({ name }) => remove(name),
    ready: ({ names }) => {
      for (const name of Array.from(cards.keys())) if (!names.includes(name)) remove(name)
      isReady = true
    },
    trouble: ({ trouble }) => {
      reveal(find("trouble"), trouble !== null)
      write(find("trouble"), trouble === null ? "" : trouble.message + ". " + trouble.remedy)
    }
  }

  const handle = (part) => {
    const lines = part.split("\n")
    const event = lines.find((line) => line.startsWith("event: "))
    const data = lines.find((line) => line.startsWith("data: "))
    if (event === undefined || data === undefined) return
    const handler = handlers[event.slice(7)]
    if (handler !== undefined) handler(JSON.parse(data.slice(6)))
    summarize()
  }

  // Reads events until the stream ends. Returns whether there was a stream.
  const read = async () => {
    const current = bearer
    const response = await post("/events").catch(() => undefined)
    if (response === undefined || response.status !== 200) return false
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
    let text = ""
    try {
      for (;;) {
        const { done, value } = await reader.read()
        // After a new link in the URL, begin() removes the bearer token. A valid link starts another watch().
        if (bearer !== current) await reader.cancel()
        if (done || bearer !== current) return true
        text += value
        for (let at = text.indexOf("\n\n"); at !== -1; at = text.indexOf("\n\n")) {
          handle(text.slice(0, at))
          text = text.slice(at + 2)
        }
      }
    } catch {
      return true
    }
  }

  const pause = (millis) => new Promise((resolve) => setTimeout(resolve, millis))

  const ended = ["The command has ended", "Stored sessions stay valid. Start unfinished actions again."]

  const watch = async () => {
    const current = bearer
    for (let tries = 0; tries < 3 && bearer === current; tries += 1) {
      if (await read()) tries = 0
      await pause(500)
    }
    if (bearer === current) close(...ended)
  }

  const begin = async () => {
    const link = location.hash.slice(1)
    if (link !== "") history.replaceState(null, "", "/")
    if (link === "" && bearer !== undefined) return
    if (link === "") return close("This page needs a new link", "This tab was reloaded, or was opened without a link.")
    bearer = undefined
    const response = await post("/link", { text: link }).catch(() => undefined)
    if (response === undefined) return close(...ended)
    if (!response.ok) return close("This link is not valid", "It was used before, it is older than 60 seconds, or there is a newer link.")
    bearer = (await response.json()).bearer
    reveal(find("closed"), false)
    watch()
  }

  find("all").addEventListener("click", () => {
    if (find("all").getAttribute("aria-disabled") === "true") return
    for (const [name, { row }] of cards) if (row.state !== "live" && row.step === null) own.add(name)
    act("/login-all")
  })
  setInterval(() => cards.forEach(countDown), 1000)
  addEventListener("hashchange", begin)
  begin()
})()
`
