import { pathToFileURL } from "node:url";
import type { ContentOptions, Redact } from "./content-guard.ts";
import type { Settings } from "./settings.ts";

/** What a redaction module that cannot be used stands for: nothing passes. */
const DROP_ALL: Redact = () => {
	throw new Error("no redaction");
};

/**
 * Loads the redaction function before anything can be exported.
 * @param directory what a relative path starts from
 * @returns also a warning when the module cannot be used; content is dropped then
 */
export async function contentOptions(
	{ captureContent, redactModule }: Pick<Settings, "captureContent" | "redactModule">,
	directory: string,
): Promise<{ options: ContentOptions; warning?: string }> {
	if (redactModule === undefined) return { options: { capture: captureContent } };
	try {
		const loaded = (await import(new URL(redactModule, pathToFileURL(`${directory}/`)).href)) as Record<
			string,
			unknown
		>;
		const redact = loaded.default ?? loaded.redact;
		if (typeof redact === "function") return { options: { capture: captureContent, redact: redact as Redact } };
		throw new Error("it exports no function as default");
	} catch (error) {
		return {
			options: { capture: captureContent, redact: DROP_ALL },
			warning: `ARMSPAN_REDACT=${redactModule} cannot be used, so content is dropped: ${String(error)}`,
		};
	}
}
