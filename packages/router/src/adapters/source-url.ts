import { RouterError } from "../errors.ts";

export interface SourceTrust {
	readonly token?: string | undefined;
	/** The bundle is signed, so that whoever sits between cannot change it. */
	readonly isSigned: boolean;
	/** Plain http to other hosts, unsigned. */
	readonly allowInsecure: boolean;
}

/**
 * Address of the folder that holds `routing.json`. An address without a path is that of an Armspan service.
 *
 * Plain http is for this machine, for signed bundles, or for who asks for it; a token is never sent over it to
 * another host.
 * @throws {RouterError} SOURCE_INVALID; the message shows no password
 */
export function readSourceUrl(text: string, { token, isSigned, allowInsecure }: SourceTrust): URL {
	let url: URL;
	try {
		url = new URL(text);
	} catch (error) {
		throw invalid("expected an address such as https://armspan.example:7070", error);
	}
	if (url.protocol !== "http:" && url.protocol !== "https:") throw invalid("expected http: or https:");
	if (url.username !== "" || url.password !== "")
		throw invalid("remove user and password; the token has a setting of its own");
	if (url.search !== "" || url.hash !== "") throw invalid("remove what follows the path");
	if (url.protocol === "http:" && !isLoopback(url.hostname)) {
		if (token !== undefined) {
			throw invalid(`the token would be readable on the way to ${url.hostname}; use https, or 127.0.0.1`);
		}
		if (!isSigned && !allowInsecure) {
			throw invalid(`whoever sits between could change the prompts; use https, or a public key`);
		}
	}
	if (url.pathname === "/") url.pathname = "/routing/v1/";
	else if (!url.pathname.endsWith("/")) url.pathname += "/";
	return url;
}

function isLoopback(hostname: string): boolean {
	return hostname === "localhost" || hostname === "[::1]" || /^127(?:\.\d{1,3}){3}$/.test(hostname);
}

function invalid(fix: string, cause?: unknown): RouterError {
	return new RouterError(
		[{ code: "SOURCE_INVALID", file: "routing source", field: "url", value: undefined, fix }],
		cause,
	);
}
