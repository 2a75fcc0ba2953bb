import { z } from "zod";

const SEGMENT = "[a-z0-9][a-z0-9_-]*";

/** One path segment: lower-case letters, digits, `_` and `-`; no dots, since Dotprompt's last dot names a variant. */
export const Name = z
	.string()
	.max(100)
	.regex(
		new RegExp(`^${SEGMENT}$`),
		"expected lower-case letters, digits, '_' or '-', starting with a letter or digit",
	);

/** A prompt's name with its namespaces: `support-reply`, `billing/refund-reply`. */
export const PromptName = z
	.string()
	.max(200)
	.regex(
		new RegExp(`^${SEGMENT}(?:/${SEGMENT})*$`),
		"expected names of lower-case letters, digits, '_' or '-', separated by '/'",
	);

/** Semantic version of a released prompt: `1.4.0`, no `v` in front, no range. */
export const SemanticVersion = z
	.string()
	.max(64)
	.regex(
		/^(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?$/,
		"expected a released version such as 1.4.0",
	);

/** sha256 of a prompt file's bytes as 64 lower-case hex digits. */
export const PromptDigest = z.string().regex(/^[0-9a-f]{64}$/, "expected 64 lower-case hex digits (sha256)");

/** What stands in `gen_ai.prompt.version`: the semver when released, else `sha256-` and the first 12 hex digits. */
export const PromptVersion = z.union([SemanticVersion, z.string().regex(/^sha256-[0-9a-f]{12}$/)]);
