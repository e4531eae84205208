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
 * Replaces or removes characters that could forge a log line, control a terminal or change the order of the displayed
 * text. Section 16.4.1 of the security standard OWASP ASVS 5.0 requires that texts cannot forge log lines.
 */
export const printable = (text: string): string =>
  suspicious.test(text) ? text.replace(breaks, " ").replace(invisible, "").replace(unprintable, "\ufffd") : text

/** Returns the first `length` UTF-16 units, or one fewer if the last of them is the first half of a surrogate pair. */
export const beginning = (text: string, length: number): string => text.slice(0, length).replace(/[\ud800-\udbff]$/, "")
