/** Oldest Node that OpenTelemetry JS 3 and Node's synchronous module hooks run on. */
const OLDEST = [22, 15] as const;

/** @returns what to tell the user, or `undefined` when this Node will do */
export function nodeVersionProblem(version: string): string | undefined {
	const [major = 0, minor = 0] = version.replace(/^v/, "").split(".").map(Number);
	if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return undefined;
	return `Node ${OLDEST.join(".")} or newer is needed, this is ${version}: no telemetry and no routing; install a newer Node, for instance with "npx node@22"`;
}
