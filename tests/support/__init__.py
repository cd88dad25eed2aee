"""What several tests share: networks, clips, servers, oracles."""
