import type * as PlainHttp from "../PlainHttp.ts"
import { exceeds } from "./bodySize.ts"

type Reader = ReadableStreamDefaultReader<Uint8Array>

const readLimited = (reader: Reader, limit: number): Promise<string | undefined> => {
  const decoder = new TextDecoder()
  let [text, size] = ["", 0]
  const next = (): Promise<string | undefined> =>
    reader.read().then(({ done, value }) => {
      if (done) return text + decoder.decode()
      size += value.byteLength
      if (size > limit) return undefined
      text += decoder.decode(value, { stream: true })
      return next()
    })
  return next()
}

const readText = (response: Response, limit: number): Promise<string | undefined> => {
  const { body, headers } = response
  const announced = headers.get("content-length") ?? ""
  if (Number(announced) > limit) return Promise.resolve(undefined)
  // If the body is compressed, its announced size is not the size of the text.
  const isKnown = /^\d+$/.test(announced) && !headers.has("content-encoding")
  if (!isKnown && body !== null) return readLimited(body.getReader(), limit)
  // With the program's own `fetch`, the body may be larger than its announced size.
  return response.text().then((text) => (exceeds(text, limit) ? undefined : text))
}

const headersOf = (init: RequestInit, { headers }: PlainHttp.Request): Record<string, string> => {
  const all =
    init.headers === undefined ? { ...headers } : { ...Object.fromEntries(new Headers(init.headers)), ...headers }
  // `fetch` sets the length itself.
  delete all["content-length"]
  return all
}

/** `init` has the program's settings for `fetch`, such as a dispatcher. */
export const fetchSend =
  (fetch: typeof globalThis.fetch, init: RequestInit): PlainHttp.Send =>
  (request, { onAnswer, onError }) => {
    const { body, maxBodyBytes, method, url } = request
    const controller = new AbortController()
    const answer = (response: Response, text: string | undefined) => {
      if (text === undefined) controller.abort()
      onAnswer({
        status: response.status,
        headers: Object.fromEntries(response.headers),
        text: text ?? "",
        isTooLarge: text === undefined,
        url: response.url
      })
    }
    const headers = headersOf(init, request)
    // Without a content type, `fetch` adds `text/plain` to a body that is text.
    const bytes = body === undefined || "content-type" in headers ? body : new TextEncoder().encode(body)
    const settings: RequestInit = {
      ...init,
      method,
      headers,
      body: bytes ?? null,
      redirect: "manual",
      signal: controller.signal
    }
    // The program's own `fetch` may throw instead of returning a rejected promise.
    void Promise.resolve()
      .then(() => fetch(url, settings))
      .then((response) => readText(response, maxBodyBytes).then((text) => answer(response, text)))
      .catch(onError)
    return () => controller.abort()
  }
