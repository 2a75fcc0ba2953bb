import { serverUnavailable } from "../conformance/clickhouse-server.ts";
import { collectorUnavailable } from "./collector.ts";

/** Says on stderr what is not tested and why; where CI requires it, not being able to test is an error. */
export function pipelineUnavailable(what: string): boolean {
	const reason = serverUnavailable() ?? collectorUnavailable();
	if (reason === undefined) return false;
	if (process.env.ARMSPAN_REQUIRE_CONFORMANCE === "1") throw new Error(`${what} cannot be tested: ${reason}`);
	process.stderr.write(`\nSKIPPED: ${what} is not tested here: ${reason}\n`);
	return true;
}
