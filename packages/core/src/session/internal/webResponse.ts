/** HTTP statuses with which the constructor of `Response` accepts no body, not even an empty body. */
export const bodiless: ReadonlySet<number> = new Set([204, 205, 304])

/** Like the constructor of `Response`, but accepts every HTTP status. */
export const make = (
  body: BodyInit | null,
  { status, ...init }: ResponseInit & { readonly status: number }
): Response => {
  const given = bodiless.has(status) ? null : body
  if (status >= 200 && status <= 599) return new Response(given, { ...init, status })
  return Object.defineProperties(new Response(given, init), { ok: { value: false }, status: { value: status } })
}
