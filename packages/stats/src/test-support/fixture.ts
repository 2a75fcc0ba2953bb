import { readFileSync } from "node:fs";

/** Reference values from fixtures/<name>.json, made by fixtures/<name>.py; the test that names them knows their shape. */
export function fixture<Shape>(name: string): Shape {
	return JSON.parse(readFileSync(new URL(`../../fixtures/${name}.json`, import.meta.url), "utf8"));
}

/** |actual/expected − 1| */
export function relativeError(actual: number, expected: number): number {
	return actual === expected ? 0 : Math.abs(actual / expected - 1);
}
