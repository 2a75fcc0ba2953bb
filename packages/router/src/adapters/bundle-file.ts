import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { RouterError, type RouterErrorCode } from "../errors.ts";

export const ROUTING_FILE = "routing.json";
export const SIGNATURE_FILE = "routing.json.sig";
export const ROLLBACK_FILE = "rollback.json";
export const ROLLBACK_SIGNATURE_FILE = "rollback.json.sig";

export const MAX_ROUTING_FILE_BYTES = 8 * 1024 * 1024;
export const MAX_PROMPT_FILE_BYTES = 1024 * 1024;
/** Of a signature or a rollback record. */
export const MAX_COMPANION_FILE_BYTES = 64 * 1024;

/**
 * The bytes of a regular file. Never waits: a FIFO, a socket or a device is refused, not read.
 * @throws {RouterError} BUNDLE_MISSING, BUNDLE_UNREADABLE, BUNDLE_TOO_LARGE
 */
export function readBundleFile(file: string, maxBytes: number): Buffer {
	let descriptor: number | undefined;
	try {
		// Without O_NONBLOCK, opening a FIFO waits for a writer, for ever and with the whole process.
		descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
		const stat = fstatSync(descriptor);
		if (!stat.isFile()) throw bundleError("BUNDLE_UNREADABLE", file, "it is no regular file; expected one");
		if (stat.size > maxBytes) throw tooLarge(file, maxBytes);
		return readAll(descriptor, stat.size, maxBytes) ?? fail(tooLarge(file, maxBytes));
	} catch (error) {
		if (error instanceof RouterError) throw error;
		if (isNoEntry(error)) throw bundleError("BUNDLE_MISSING", file, "it is not there; compile a bundle into it", error);
		throw bundleError("BUNDLE_UNREADABLE", file, `cannot be read: ${String(error)}`, error);
	} finally {
		if (descriptor !== undefined) closeSync(descriptor);
	}
}

/** The same; `undefined` when there is no such file. */
export function readCompanionFile(file: string): Buffer | undefined {
	try {
		return readBundleFile(file, MAX_COMPANION_FILE_BYTES);
	} catch (error) {
		if (error instanceof RouterError && error.code === "BUNDLE_MISSING") return undefined;
		throw error;
	}
}

/** To the end, which may have moved since `stat`; `undefined` when that is beyond the limit. */
function readAll(descriptor: number, size: number, maxBytes: number): Buffer | undefined {
	let buffer = Buffer.allocUnsafe(size + 1);
	let length = 0;
	for (;;) {
		const read = readSync(descriptor, buffer, length, buffer.length - length, null);
		length += read;
		if (length > maxBytes) return undefined;
		if (read === 0) return buffer.subarray(0, length);
		if (length === buffer.length) buffer = Buffer.concat([buffer, Buffer.allocUnsafe(buffer.length + 1024)]);
	}
}

function fail(error: RouterError): never {
	throw error;
}

function tooLarge(file: string, maxBytes: number): RouterError {
	return bundleError("BUNDLE_TOO_LARGE", file, `larger than ${maxBytes} bytes, which is the limit`);
}

function isNoEntry(error: unknown): boolean {
	return error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR");
}

export function bundleError(code: RouterErrorCode, file: string, fix: string, cause?: unknown): RouterError {
	return new RouterError([{ code, file, field: ROUTING_FILE, value: undefined, fix }], cause);
}
