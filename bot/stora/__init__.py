"""The edge to units: how we ask Stora, and the fresh copy of what it said."""
