"""What the product shows but does not compute: scenarios, and later icons, styles and help pages."""
