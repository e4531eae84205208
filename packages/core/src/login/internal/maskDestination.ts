/**
 * Masks a phone number or an email address. A text that contains `*`, `•`, `#` or `xxx` counts as masked, and is not
 * masked again. Control characters are removed, because the text is shown in terminals.
 */
export const maskDestination = (destination: string): string => {
  const text = destination.replace(/\p{C}/gu, "").trim()
  if (/[*•#]|x{3}/i.test(text)) return text
  const [name = "", host] = text.split("@")
  return host === undefined ? `xxxx${text.slice(-4)}` : `${name.slice(0, 1)}xxxx@${host}`
}
