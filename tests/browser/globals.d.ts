// What mdBook's own script declares on a page that is served with live reload.
declare const socket: WebSocket | undefined;
