"""The dream: picture → picture, on any `pydream.net.Net`."""
