"""The app's pages: widgets and events only."""
