"""Speaking over HTTP: the dialects of OpenAI and of GPT-SoVITS's api_v2, and our own.

openai_routes, api_v2_routes, live    what a client says and hears
choosing                              which voice, version, recording and settings that means
limits                                how many may listen at a time
sending                               parts of speech into the bytes of an answer
speaker, remote                       who speaks: an engine here, or the deployment `Voices`
"""
