"""Speaking with many voices at a time: what is kept loaded, who is next, one stream a request.

Knows neither Ray nor HTTP: the Serve deployment `Voices` holds one engine and passes on what it
gives.
"""
