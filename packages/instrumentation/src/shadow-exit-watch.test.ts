import { expect, test } from "vitest";
import { quietLooksNeeded } from "./shadow-exit-watch.ts";

const no = () => false;
const yes = () => true;

test("a process of shadows alone is seen soon, one with other timers late, one that does anything else never", () => {
	const socket = "TCPSocketWrap";
	expect(quietLooksNeeded(1, [socket, "Timeout"], no)).toBe(4);
	expect(quietLooksNeeded(1, [socket, "PipeWrap", "PipeWrap", "TTYWrap"], no)).toBe(4);
	expect(quietLooksNeeded(1, [socket, "PipeWrap"], yes)).toBeUndefined();
	expect(quietLooksNeeded(1, [socket, "PipeWrap", "PipeWrap", "PipeWrap", "PipeWrap"], no)).toBeUndefined();
	expect(quietLooksNeeded(2, [socket, "GetAddrInfoReqWrap", "Timeout"], no)).toBe(4);
	expect(quietLooksNeeded(1, [socket, "Timeout", "Timeout"], no)).toBe(20);
	expect(quietLooksNeeded(1, [socket, socket], no)).toBeUndefined();
	for (const other of ["TCPServerWrap", "FSReqPromise", "MessagePort", "ProcessWrap"]) {
		expect(quietLooksNeeded(3, [socket, other], no)).toBeUndefined();
	}
});
