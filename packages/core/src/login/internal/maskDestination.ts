/**
 * Masks a phone number or an email address, unless the broker has already masked it. Removes control characters,
 * because the text is shown in terminals.
 */
export const maskDestination = (destination: string): string => {
  const text = destination.replace(/\p{C}/gu, "").trim()
  const [name = "", host] = text.split("@")
  if (host !== undefined) return /[*•]|##|x{4}/i.test(name) ? text : `${name.slice(0, 1)}xxxx@${host}`
  if (/[*•#]|(?:^|\d)x{3}|x{3}(?:$|\d)/i.test(text)) return text
  return text.length > 4 ? `xxxx${text.slice(-4)}` : "xxxx"
}
