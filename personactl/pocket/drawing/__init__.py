"""Identity x scene -> picture, key points, face box. Flat vector painting with skia; all geometry is exact.

pose       head coordinates -> picture coordinates
canvas     the few strokes that everything is painted with
backdrop, clothing, head, features, hair      what is painted, back to front
renderer   the order, the light, and the digest that ties latents to this code
"""
