// Pictures on their way to the server, and what it knows of those that are there.
import { ApiError, errorLine, get, GONE } from "./api.js";

const entries = new Map(); // id → promise of the entry

// Send a file; progress(0…1) is told while it goes. Return what the server found in it.
export function upload(file, progress = () => {}) {
  return new Promise((resolve, reject) => {
    const sending = new XMLHttpRequest(); // fetch does not tell how much has gone
    sending.open("POST", `/api/pictures?name=${encodeURIComponent(file.name || "pasted.png")}`);
    sending.upload.onprogress = (event) => event.lengthComputable && progress(event.loaded / event.total);
    sending.onerror = () => reject(new ApiError(GONE, 0));
    sending.onload = () => {
      const data = parsed(sending.responseText);
      if (sending.status >= 300) return reject(new ApiError(errorLine(sending.status, data), sending.status));
      resolve(remember(data));
    };
    sending.send(file);
  });
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

export function remember(entry) {
  entries.set(entry.id, Promise.resolve(entry));
  return entry;
}

// Return what is known of a picture, or null where it is not (any more).
export function pictureEntry(id) {
  if (!entries.has(id)) {
    const asked = get(`/api/pictures/${id}`).catch((error) => {
      entries.delete(id);
      if (error.status === 404) return null;
      throw error;
    });
    entries.set(id, asked);
  }
  return entries.get(id);
}
