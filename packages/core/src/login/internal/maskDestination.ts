/**
 * Masks a phone number or an email address. A text with `*`, `•` or `#` counts as masked, and is not masked again. The
 * same is true of a text with `xxx` at its start, at its end, beside a digit or before `@`. Control characters are
 * removed, because the text is shown in terminals.
 */
export const maskDestination = (destination: string): string => {
  const text = destination.replace(/\p{C}/gu, "").trim()
  if (/[*•#]|(?:^|\d)x{3}|x{3}(?:$|[\d@])/i.test(text)) return text
  const [name = "", host] = text.split("@")
  return host === undefined ? `xxxx${text.slice(-4)}` : `${name.slice(0, 1)}xxxx@${host}`
}
