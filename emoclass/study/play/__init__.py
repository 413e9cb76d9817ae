"""What the page to play with (docs/play) is made from: nets, faces, pairs and measured scores."""
