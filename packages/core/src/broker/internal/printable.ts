const breaks = /[\t\n\v\f\r\u0085\u2028\u2029]+/g

/**
 * Matches characters that are invisible, such as zero-width characters, characters that change the direction of text,
 * and byte order marks.
 */
const invisible = /\p{Cf}/gu

/** Matches control characters, such as ESC and DEL, and unpaired surrogates. */
const unprintable = /[\p{Cc}\p{Cs}]/gu

const suspicious = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u

/**
 * Replaces characters that could forge a log line, control a terminal or change the order of the displayed text. The
 * security standard OWASP ASVS requires this in section 16.4.1.
 */
export const printable = (text: string): string =>
  suspicious.test(text) ? text.replace(breaks, " ").replace(invisible, "").replace(unprintable, "\ufffd") : text

/** If the cut splits a surrogate pair, the first half is removed too. */
export const beginning = (text: string, length: number): string => text.slice(0, length).replace(/[\ud800-\udbff]$/, "")
