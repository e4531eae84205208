/**
 * Rupeezy for msw: a fake broker, and the handlers that serve it.
 *
 * @since 0.1.0
 */
export * as FakeRupeezy from "./FakeRupeezy.ts"
export { handlers } from "@auth/broker-core/testing/Msw"
