import type { NotEstimable } from "../not-estimable.ts";

/** The result, or the reason that there is none as an error. */
export function estimated<Result extends { readonly kind: "estimated" }>(result: Result | NotEstimable): Result {
	if (result.kind === "not-estimable") throw new Error(`${result.reason}: ${result.message}`);
	return result;
}
