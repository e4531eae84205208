const portal = ["/OpenAPI/Login.aspx"]
const rmoney = ["/", "/qr-scan"]

/** Paths of the login pages, keyed by the broker's own origin. */
export const loginPages: Readonly<Record<string, ReadonlyArray<string>>> = {
  "https://smartapi.angelone.in": ["/publisher-login"],
  "https://invest.motilaloswal.com": portal,
  "https://uattrade.motilaloswaluat.com": portal,
  "https://flow.rupeezy.in": ["/"],
  "https://tradeapi.samco.in": ["/app/oauth/authorize"],
  "https://webuat.rmoneyindia.co.in": rmoney,
  "https://weblive.rmoneyindia.net": rmoney,
  "https://kite.zerodha.com": ["/connect/login"]
}
