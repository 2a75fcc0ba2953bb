export { assertFolderUnlocked } from "@armspan/store";
export { ServiceError, type ServiceErrorCode } from "./service-error.ts";
export { type Service, type ServiceOptions, startService } from "./start-service.ts";
