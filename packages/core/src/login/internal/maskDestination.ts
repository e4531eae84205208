/**
 * Masks a phone number or an email address, unless the broker has already masked it. Removes control characters,
 * because the text is shown in terminals.
 */
export const maskDestination = (destination: string): string => {
  const text = destination.replace(/\p{C}/gu, "").trim()
  if (/[*•#]|(?:^|\d)x{3}|x{3}(?:$|[\d@])/i.test(text)) return text
  const [name = "", host] = text.split("@")
  return host === undefined ? `xxxx${text.slice(-4)}` : `${name.slice(0, 1)}xxxx@${host}`
}
