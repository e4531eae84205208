/**
 * Zerodha for msw: a fake broker, and the handlers that serve it.
 *
 * @since 0.1.0
 */
export * as FakeZerodha from "./FakeZerodha.ts"
export { handlers } from "@auth/broker-core/testing/Msw"
