"""A family under one booking code, with the way back: everybody or nobody."""

import os

from pemudik_client import BookingRefused, Pemudik, SubmitRegistrant

pemudik = Pemudik(os.environ["PEMUDIK"], os.environ["PEMUDIK_CLIENT_ID"], os.environ["PEMUDIK_CLIENT_SECRET"])

NAMES = ["Ayah Contoh", "Ibu Contoh", "Anak Contoh"]
family: list[SubmitRegistrant] = [
    {
        "nik": str(int(os.environ["NIK"]) + place),
        "name": name,
        "routeId": os.environ["ROUTE"],
        "returnRouteId": os.environ["RETURN_ROUTE"],
        "identityDocument": "KK",
    }
    for place, name in enumerate(NAMES, start=1)
]
try:
    booked = pemudik.submit_booking({"reference": os.environ["REFERENCE"] + "-FAMILY", "registrants": family})
except BookingRefused as refused:
    for name, problem in zip(NAMES, refused.problems, strict=True):
        print(name, problem["message"] if problem else "could travel")
else:
    returns = [submission["return"] for submission in booked["submissions"] if submission["return"]]
    print(booked["booking"]["people"], "people,", len(returns), "with a way back")
